package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.InterruptedOperation;
import dev.dray.error.MachineException;
import dev.dray.error.PeerException;
import dev.dray.error.RefusedException;
import dev.dray.vmm.GuestException;
import dev.dray.vmm.Journal;
import dev.dray.vmm.OperationWatch;
import dev.dray.vmm.PrivateDirectory;
import dev.dray.vmm.RestoreImage;
import dev.dray.vmm.RestoreOrder;
import dev.dray.vmm.RestoreReport;
import dev.dray.vmm.Threads;
import dev.dray.vmm.Whereabouts;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/// Has a waiting Cloud Hypervisor receive a guest, and sends it.
///
/// Threads: `receive` waits for the VMM's answer to that call, which comes when the guest is there; until then the VMM
/// answers no other.
final class CloudHypervisorRestore {
    private static final Duration LISTEN_PATIENCE = Duration.ofSeconds(20);

    /// Longer than any guest takes: the VMM cannot be asked meanwhile, and [GuestSender] watches the connection.
    private static final Duration RECEIVE_PATIENCE = Duration.ofDays(24);

    /// How long a VMM that was asked to listen, and is not wanted any more, may take to do so.
    private static final Duration LETTING_GO_PATIENCE = Duration.ofSeconds(10);

    private static final Duration REASON_PATIENCE = Duration.ofSeconds(5);
    private static final int CONNECTIONS = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, 4);

    private final ApiClient api;
    private final Path controlSocket;
    private final RestoreOrder order;
    private final RestoreImage image;
    private final Journal journal;
    private final OperationWatch watch;
    private final CompletableFuture<ApiClient.Answer> received = new CompletableFuture<>();
    private @Nullable Thread receiver;

    CloudHypervisorRestore(
            ApiClient api,
            Path controlSocket,
            RestoreOrder order,
            RestoreImage image,
            Journal journal,
            OperationWatch watch) {
        this.api = api;
        this.controlSocket = controlSocket;
        this.order = order;
        this.image = image;
        this.journal = journal;
        this.watch = watch;
    }

    RestoreReport run() throws GuestException {
        VmFacts facts;
        SendPlan plan;
        try {
            facts = VmFacts.ask(api);
            waits(facts);
            plan = SendPlan.of(order, image, true, facts.versions());
        } catch (DrayException e) {
            throw new GuestException(e, Whereabouts.UNKNOWN);
        }
        try {
            if (plan.lazy()) {
                LazyJournal.write(journal, facts);
            } else {
                LazyJournal.forget(journal); // of a guest that this VMM has no more
            }
            RestoreReport report = send(facts, plan);
            forget();
            return report;
        } catch (DrayException e) {
            forget();
            throw new GuestException(e, Whereabouts.GONE);
        } catch (GuestException e) {
            GuestException told = explained(e, facts, plan);
            if (told.guest() == Whereabouts.GONE) {
                forget();
            }
            throw told;
        }
    }

    /// A guest that has all its memory, or has ended, needs nobody.
    private void forget() {
        try {
            LazyJournal.forget(journal);
        } catch (MachineException e) {
            watch.warning(String.valueOf(e.getMessage()));
        }
    }

    private RestoreReport send(VmFacts facts, SendPlan plan) throws DrayException, GuestException {
        try (var directory = PrivateDirectory.beside(controlSocket)) {
            directory.handOver();
            return send(
                    new Endpoint.Unix(directory.path().resolve("stream")),
                    plan,
                    facts.versions().vmm());
        }
    }

    private RestoreReport send(Endpoint.Unix at, SendPlan plan, String vmm) throws GuestException {
        var sender = new GuestSender(plan, image, at, CONNECTIONS, LISTEN_PATIENCE, watch);
        try {
            RestoreReport report = sender.run(vmm, () -> {
                receiver = Thread.ofPlatform().daemon().name("receive").start(() -> receive(at, plan));
                awaitSocket(at);
            });
            Threads.join(receiver); // answered when the guest was there
            return report;
        } finally {
            if (receiver != null && !sender.isConnected()) {
                letGo(at);
            }
        }
    }

    private static void waits(VmFacts facts) throws RefusedException {
        if (!facts.state().isEmpty() && !facts.state().equals("Created")) {
            throw new RefusedException(
                    "This Cloud Hypervisor has a VM already (" + facts.state() + ")",
                    "start another one, with no more than --api-socket, or delete its VM first");
        }
    }

    private void receive(Endpoint at, SendPlan plan) {
        var request = JsonMapper.shared().createObjectNode().put("receiver_url", at.url());
        if (plan.lazy()) {
            request.put("memory_mode", "Postcopy"); // newer ones read it in the Config, and pass over it here
        }
        try {
            received.complete(api.call("PUT", "vm.receive-migration", Optional.of(request), RECEIVE_PATIENCE));
        } catch (PeerException e) {
            received.completeExceptionally(e);
        }
    }

    /// Waits until the VMM listens. Connecting to find out would be the migration.
    private void awaitSocket(Endpoint.Unix at) throws DrayException {
        long deadline = System.nanoTime() + LISTEN_PATIENCE.toNanos();
        while (!Files.exists(at.path())) {
            if (received.isDone()) {
                throw new PeerException(
                        "Cloud Hypervisor takes no guest: " + reason().orElse("it does not say why"), "see its log");
            }
            if (System.nanoTime() > deadline) {
                throw new PeerException("Cloud Hypervisor does not listen at " + at.path(), "see its log");
            }
            if (watch.cancelled()) {
                throw new InterruptedOperation("Interrupted", "");
            }
            LockSupport.parkNanos(200_000);
        }
    }

    /// A VMM that waits for a guest answers nobody else: it is told that none comes.
    private void letGo(Endpoint at) {
        long deadline = System.nanoTime() + LETTING_GO_PATIENCE.toNanos();
        while (!received.isDone() && System.nanoTime() < deadline) {
            try {
                new Connector(at, () -> false).connect(Duration.ZERO).close();
                return;
            } catch (DrayException e) {
                LockSupport.parkNanos(20_000_000); // it does not listen yet, or any more
            }
        }
    }

    /// What the VMM answered to the request to receive a guest, if that was no success.
    private Optional<String> reason() {
        if (receiver == null) {
            return Optional.empty(); // it was not asked
        }
        try {
            ApiClient.Answer answer = received.get(REASON_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            return answer.isOk() ? Optional.empty() : Optional.of(answer.reason());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        } catch (ExecutionException | TimeoutException e) {
            return Optional.empty();
        }
    }

    /// Adds the VMM's reason to a failure that is its own, and removes what it still has of a guest that never ran.
    private GuestException explained(GuestException failed, VmFacts facts, SendPlan plan) {
        Optional<String> why = reason();
        DrayException failure = failed.failure() instanceof PeerException && why.isPresent()
                ? new PeerException(
                        failed.getMessage() + ": " + why.get(), failed.failure().whatToDo(), failed.failure())
                : failed.failure();
        if (failed.guest() == Whereabouts.GONE) {
            return new GuestException(failure, Whereabouts.GONE);
        }
        String state = VmFacts.state(api);
        if (state.equals(VmFacts.PAUSED) && !plan.paused()) {
            try {
                if (api.put("vm.delete").isOk()) {
                    return new GuestException(failure, Whereabouts.GONE);
                }
            } catch (PeerException e) {
                // It stays, and is said to be there.
            }
        }
        return new GuestException(
                failure, state.isEmpty() && facts.isProcessGone() ? Whereabouts.GONE : failed.guest());
    }
}
