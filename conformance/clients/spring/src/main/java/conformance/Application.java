package conformance;

import java.util.Map;
import java.util.UUID;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * An application whose work comes from queues. It sends itself some hundred messages, looks at what its listeners made of
 * them, prints one line of JSON for each rule, and ends.
 *
 * <p>Its queues bear a name of this run, {@code ${run}}; those that need attributes are there before the listeners start,
 * the others are created by Spring when a listener or the template first asks for them.
 */
@SpringBootApplication
public class Application {
    public static void main(String[] arguments) {
        String endpoint = arguments[0];
        String run = UUID.randomUUID().toString().substring(0, 8);
        Queues.prepare(endpoint, run);
        SpringApplication application = new SpringApplicationBuilder(Application.class)
                .properties(Map.of("spring.cloud.aws.sqs.endpoint", endpoint, "run", run))
                .build();
        Report report = new Report();
        try (ConfigurableApplicationContext context = application.run()) {
            context.getBean(Cases.class).run(report);
        }
        report.check("the_application_stops_with_its_listeners_waiting", () -> {});
    }
}
