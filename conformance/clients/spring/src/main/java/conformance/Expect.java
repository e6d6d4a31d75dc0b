package conformance;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** What a rule expects, at once or within a time. */
final class Expect {
    private static final Duration DEADLINE = Duration.ofSeconds(45);

    private Expect() {}

    static void equal(Object seen, Object wanted, String what) {
        that(Objects.equals(seen, wanted), () -> what + ": " + seen + " instead of " + wanted);
    }

    static void that(boolean so, Supplier<String> otherwise) {
        if (!so) {
            throw new AssertionError(otherwise.get());
        }
    }

    /** Waits until {@code condition} holds, and fails with {@code state} when it does not in time. */
    static void eventually(BooleanSupplier condition, Supplier<String> state) throws InterruptedException {
        Instant deadline = Instant.now().plus(DEADLINE);
        while (!condition.getAsBoolean()) {
            that(Instant.now().isBefore(deadline), () -> "not within " + DEADLINE + ": " + state.get());
            Thread.sleep(20);
        }
    }
}
