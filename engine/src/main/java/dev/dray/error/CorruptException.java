package dev.dray.error;

/// Bytes in a repository or file are not what was written: damaged, truncated, missing, or standing in
/// another's place.
public final class CorruptException extends DrayException {
    private static final long serialVersionUID = 1L;

    public CorruptException(String message, String whatToDo) {
        super(message, whatToDo);
    }

    public CorruptException(String message, String whatToDo, Throwable cause) {
        super(message, whatToDo, cause);
    }

    @Override
    public String kind() {
        return "corrupt";
    }
}
