package dev.dray.machine.cloudhypervisor;

import java.util.List;
import java.util.stream.Stream;

/// A call of the API that fails: its status, and what is said, from the outermost to the innermost reason.
final class ApiException extends Exception {
    private static final long serialVersionUID = 1L;

    static final int BAD_REQUEST = 400;
    static final int NOT_FOUND = 404;
    static final int INTERNAL = 500;

    private final int status;
    private final transient List<String> reasons;

    ApiException(int status, String... reasons) {
        super(String.join(": ", reasons));
        this.status = status;
        this.reasons = List.of(reasons);
    }

    /// The call itself could not be carried out.
    static ApiException because(String call, String... reasons) {
        return new ApiException(
                INTERNAL,
                Stream.concat(Stream.of("Error from API", call), Stream.of(reasons))
                        .toArray(String[]::new));
    }

    int status() {
        return status;
    }

    List<String> reasons() {
        return reasons;
    }
}
