package conformance;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;

/** Prints what became of each rule. */
final class Report {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** What must end without throwing for a rule to hold. */
    interface Rule {
        void holds() throws Exception;
    }

    void check(String name, Rule rule) {
        String detail = "";
        boolean ok = true;
        try {
            rule.holds();
        } catch (Exception | AssertionError failure) {
            ok = false;
            StringWriter trace = new StringWriter();
            failure.printStackTrace(new PrintWriter(trace));
            detail = trace.toString();
        }
        print(Map.of("case", name, "ok", ok, "detail", detail));
    }

    private static synchronized void print(Map<String, Object> line) {
        try {
            System.out.println(JSON.writeValueAsString(line));
        } catch (JsonProcessingException failure) {
            throw new IllegalStateException("strings and booleans are JSON", failure);
        }
    }
}
