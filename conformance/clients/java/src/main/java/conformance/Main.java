package conformance;

import java.net.URI;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Runs every case against the endpoint of the first argument and prints one line of JSON for each.
 *
 * <p>The cases run beside each other, each with queues of its own; the one that counts the operations comes last.
 */
public final class Main {
    private static final int BESIDE_EACH_OTHER = 6;

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        try (Wire wire = new Wire(URI.create(arguments[0]))) {
            runTogether(Cases.of(wire));
            new Case("every_operation_of_the_sdk_succeeded", wire::everyOperationSucceeded).run();
        }
    }

    private static void runTogether(List<Case> cases) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(BESIDE_EACH_OTHER);
        try {
            for (Future<?> done : cases.stream().map(pool::submit).toList()) {
                done.get();
            }
        } finally {
            pool.shutdownNow();
        }
    }
}
