package dev.dray.vmm.cloudhypervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dray.error.PeerException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class MemoryPushTest {
    @Test
    void aConnectionForMemoryThatBreaksAtOnceIsClosed() {
        var closed = new AtomicBoolean();
        var broken = (Connection) Proxy.newProxyInstance(
                Connection.class.getClassLoader(), new Class<?>[] {Connection.class}, (_, method, _) -> {
                    closed.compareAndSet(false, method.getName().equals("close"));
                    if (method.getName().equals("write")) {
                        throw new PeerException("broken", "");
                    }
                    return null;
                });
        assertThatThrownBy(() -> new MemoryPush(broken, List.of(), List.of())).isInstanceOf(PeerException.class);
        assertThat(closed).isTrue();
    }
}
