package conformance;

/** What is sent: its number tells it from the others of its queue. */
public record Parcel(int number, String note) {}
