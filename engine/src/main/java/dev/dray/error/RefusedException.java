package dev.dray.error;

/// Dray refuses before anything was touched: the operation cannot be done, or not safely.
public final class RefusedException extends DrayException {
    private static final long serialVersionUID = 1L;

    public RefusedException(String message, String whatToDo) {
        super(message, whatToDo);
    }

    public RefusedException(String message, String whatToDo, Throwable cause) {
        super(message, whatToDo, cause);
    }

    @Override
    public String kind() {
        return "refused";
    }
}
