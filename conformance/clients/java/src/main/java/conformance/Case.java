package conformance;

/** One named rule: it holds when {@code body} ends without throwing. */
record Case(String name, Body body) implements Runnable {
    /** What a case does. */
    interface Body {
        void run() throws Exception;
    }

    @Override
    public void run() {
        try {
            body.run();
            print(true, "");
        } catch (Throwable failure) {
            print(false, describe(failure));
        }
    }

    private void print(boolean ok, String detail) {
        System.out.printf("{\"case\":%s,\"ok\":%s,\"detail\":%s}%n", quoted(name), ok, quoted(detail));
        System.out.flush();
    }

    /** The failure, its causes, and the line of the case that met it. */
    private static String describe(Throwable failure) {
        StringBuilder text = new StringBuilder();
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            text.append(cause).append('\n');
        }
        for (StackTraceElement place : failure.getStackTrace()) {
            if (place.getClassName().startsWith("conformance.")) {
                text.append("    at ").append(place).append('\n');
            }
        }
        return text.toString();
    }

    /** A JSON string in ASCII, so that no character set of the terminal comes into it. */
    private static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            boolean plain = c >= ' ' && c < 127 && c != '"' && c != '\\';
            out.append(plain ? String.valueOf(c) : String.format("\\u%04x", (int) c));
        }
        return out.append('"').toString();
    }
}
