package conformance;

import java.util.List;
import java.util.stream.Stream;

/** All the cases but the last. The list that a test run expects is in {@code test_client_java.py}. */
final class Cases {
    private Cases() {}

    static List<Case> of(Wire wire) {
        return Stream.of(
                        // The longest first, so that the others run beside them.
                        new BatchManagerCases(wire).all(),
                        new AsyncCases(wire).all(),
                        new MessageCases(wire).all(),
                        new DeadLetterCases(wire).all(),
                        new FifoCases(wire).all(),
                        new BatchCases(wire).all(),
                        new DigestCases(wire).all(),
                        new QueueCases(wire).all(),
                        new RefusalCases(wire).all(),
                        new PermissionCases(wire).all())
                .flatMap(List::stream)
                .toList();
    }
}
