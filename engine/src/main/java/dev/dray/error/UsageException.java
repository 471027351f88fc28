package dev.dray.error;

/// What the user asked for makes no sense as asked: an unknown snapshot, flags that contradict each other.
public final class UsageException extends DrayException {
    private static final long serialVersionUID = 1L;

    public UsageException(String message, String whatToDo) {
        super(message, whatToDo);
    }

    public UsageException(String message, String whatToDo, Throwable cause) {
        super(message, whatToDo, cause);
    }

    @Override
    public String kind() {
        return "usage";
    }
}
