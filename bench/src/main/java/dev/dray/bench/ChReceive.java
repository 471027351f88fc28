package dev.dray.bench;

import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/// How fast a guest of 512 MiB that does nothing comes over TCP in clear, from the VMM's first message to the last
/// answer
/// to it, beside plain sockets that take the same bytes and forget them. Argument: over how many connections.
public final class ChReceive {
    private static final long MEMORY_BYTES = 512L << 20;

    private ChReceive() {}

    /// Has a machine send its guest to a port.
    private interface Taker {
        void take(ChMachine source, int connections) throws Exception;
    }

    public static void main(String[] args) throws Exception {
        int connections = args.length > 0 ? Integer.parseInt(args[0]) : 1;
        Samples rate = new Samples("MiB/s");
        try (Workplace at = Workplace.make()) {
            System.out.println("a guest of 512 MiB, half, over TCP, connections: " + connections);
            System.out.println(Host.line() + "; built-in machine");
            for (int round = 0; round <= Workplace.rounds(); round++) {
                double forgotten = measure(at, connections, ChReceive::forget);
                double plain = measure(at, connections, (source, n) -> dray(at, false, source, n));
                double sealed = measure(at, connections, (source, n) -> dray(at, true, source, n));
                if (round > 0) {
                    rate.add("plain sockets, to nowhere", forgotten);
                    rate.add("dray receive, not encrypted", plain);
                    rate.add("dray receive, encrypted", sealed);
                }
            }
        }
        rate.print("plain sockets, to nowhere");
    }

    private static double measure(Workplace at, int connections, Taker taker) throws Exception {
        try (ChMachine source = ChMachine.running(at, MEMORY_BYTES, "--workload", "idle")) {
            taker.take(source, connections);
            return (MEMORY_BYTES >> 20) * 1e3 / source.timing("migration_ms");
        }
    }

    private static void forget(ChMachine source, int connections) throws Exception {
        try (var receiver = PlainReceiver.tcp()) {
            send(source, receiver.port(), connections);
            receiver.forget(connections);
        }
    }

    private static void dray(Workplace at, boolean sealed, ChMachine source, int connections) throws Exception {
        Path repository = at.file("repository");
        DrayCommand dray = sealed ? new DrayCommand(at) : DrayCommand.withoutKey(at);
        dray.init(repository);
        int port = Ports.free();
        receive(dray, port, repository, source, connections);
        Workplace.remove(repository);
    }

    /// Has Dray receive a machine's guest.
    static DrayCommand.Run receive(DrayCommand dray, int port, Path repository, ChMachine source, int connections)
            throws Exception {
        CompletableFuture<DrayCommand.Run> run = CompletableFuture.supplyAsync(() -> {
            try {
                return dray.receive(port, repository);
            } catch (java.io.IOException | InterruptedException e) {
                throw new CompletionException(e);
            }
        });
        Ports.awaitListener(port, run);
        send(source, port, connections);
        return run.get();
    }

    static void send(ChMachine source, int port, int connections) throws Exception {
        source.send("{\"destination_url\":\"tcp:127.0.0.1:" + port + "\",\"connections\":" + connections + "}");
    }
}
