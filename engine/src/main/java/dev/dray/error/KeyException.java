package dev.dray.error;

/// The key does not open this repository, or no key was given.
public final class KeyException extends DrayException {
    private static final long serialVersionUID = 1L;

    public KeyException(String message, String whatToDo) {
        super(message, whatToDo);
    }

    public KeyException(String message, String whatToDo, Throwable cause) {
        super(message, whatToDo, cause);
    }

    @Override
    public String kind() {
        return "key";
    }
}
