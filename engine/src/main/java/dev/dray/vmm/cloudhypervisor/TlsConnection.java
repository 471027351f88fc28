package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.DrayException;
import dev.dray.error.PeerException;
import dev.dray.linux.Errno;
import dev.dray.linux.Fd;
import dev.dray.linux.NativeMemory;
import dev.dray.linux.SysException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.OptionalLong;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;

/// A connection under TLS 1.3, both sides with certificates, as Cloud Hypervisor has it. Who
/// accepts does not wait for the handshake, which runs when something is first read or written; who connects does it
/// before anything else ([#establish]).
///
/// A peer that ends the TCP connection without a word has ended it all the same, as Cloud Hypervisor does: between two
/// messages that is their end, inside of one it is an error of whoever reads them.
final class TlsConnection implements Connection {
    private static final int RECORD_HEADER_BYTES = 5;
    private static final int LENGTH_OFFSET = 3;

    /// The kind of a subjectAltName that is a host's name (RFC 5280, dNSName).
    private static final Integer DNS_NAME = 2;

    /// Longest record on the wire: 16 KiB and what TLS 1.3 may add.
    private static final int RECORD_BYTES_MAX = (16 << 10) + 256;

    /// What is sent at once.
    private static final int RECORDS = 16;

    private final Connection raw;
    private final SSLEngine engine;
    private final Object writing = new Object();
    private final ByteBuffer arrived = ByteBuffer.allocateDirect(RECORD_HEADER_BYTES + RECORD_BYTES_MAX);
    private final ByteBuffer opened;
    private final ByteBuffer plain = ByteBuffer.allocateDirect(16 << 10);
    private final ByteBuffer sealed;
    private volatile boolean established;

    private TlsConnection(Connection raw, SSLEngine engine) {
        this.raw = raw;
        this.engine = engine;
        opened = ByteBuffer.allocateDirect(engine.getSession().getApplicationBufferSize());
        opened.flip();
        sealed = ByteBuffer.allocateDirect(
                Math.max(RECORDS * RECORD_BYTES_MAX, engine.getSession().getPacketBufferSize()));
    }

    /// The side that accepted.
    static TlsConnection server(Connection raw, SSLContext context) {
        SSLEngine engine = context.createSSLEngine();
        engine.setUseClientMode(false);
        engine.setNeedClientAuth(true);
        engine.setEnabledProtocols(new String[] {"TLSv1.3"});
        return new TlsConnection(raw, engine);
    }

    /// The side that connected; the other's certificate must be for the host that was named.
    static TlsConnection client(Connection raw, SSLContext context, Endpoint.Tcp to) {
        SSLEngine engine = context.createSSLEngine(to.host(), to.port());
        engine.setUseClientMode(true);
        engine.setEnabledProtocols(new String[] {"TLSv1.3"});
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        engine.setSSLParameters(parameters);
        return new TlsConnection(raw, engine);
    }

    @Override
    public void readFully(long address, long bytes) throws DrayException {
        if (bytes > 0 && !readOrEnd(address, bytes)) {
            throw new PeerException("The other side ended the connection", "see Cloud Hypervisor's log");
        }
    }

    @Override
    public boolean readOrEnd(long address, long bytes) throws DrayException {
        establish();
        long done = 0;
        while (done < bytes) {
            if (!opened.hasRemaining() && !nextRecord()) {
                if (done == 0) {
                    return false;
                }
                throw new PeerException(
                        "The other side ended the connection after " + done + " of " + bytes + " bytes",
                        "see Cloud Hypervisor's log");
            }
            done += take(address + done, bytes - done);
        }
        return true;
    }

    /// Copies what was opened, as far as there is room.
    private int take(long address, long bytesMax) {
        int some = (int) Math.min(bytesMax, opened.remaining());
        NativeMemory.copy(address, MemorySegment.ofBuffer(opened).address(), some);
        opened.position(opened.position() + some);
        return some;
    }

    @Override
    public long receive(long address, long bytes) {
        try {
            establish();
            return opened.hasRemaining() || nextRecord() ? take(address, bytes) : 0;
        } catch (DrayException e) {
            return 0;
        }
    }

    @Override
    public void write(long address, long bytes) throws DrayException {
        establish();
        synchronized (writing) {
            long done = 0;
            sealed.clear();
            while (done < bytes) {
                plain.clear();
                int some = (int) Math.min(bytes - done, plain.capacity());
                NativeMemory.copy(MemorySegment.ofBuffer(plain).address(), address + done, some);
                plain.limit(some);
                wrap(plain);
                done += some;
                if (sealed.remaining() < RECORD_BYTES_MAX + RECORD_HEADER_BYTES) {
                    send();
                }
            }
            send();
        }
    }

    /// Seals into [#sealed] what there is to say; `from` is taken whole.
    private void wrap(ByteBuffer from) throws DrayException {
        try {
            do {
                SSLEngineResult result = engine.wrap(from, sealed);
                if (result.getStatus() == SSLEngineResult.Status.BUFFER_OVERFLOW) {
                    send();
                } else if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
                    throw new PeerException("The other side ended the connection", "see Cloud Hypervisor's log");
                }
            } while (from.hasRemaining());
        } catch (SSLException e) {
            tellWhy();
            throw failed(e);
        }
    }

    private void send() throws DrayException {
        sealed.flip();
        if (sealed.hasRemaining()) {
            raw.write(MemorySegment.ofBuffer(sealed).address(), sealed.remaining());
        }
        sealed.clear();
    }

    /// Reads one record and opens it; false at the end of the connection.
    private boolean nextRecord() throws DrayException {
        while (true) {
            if (engine.isInboundDone() || !readRecord()) {
                return false;
            }
            SSLEngineResult result = unwrap();
            if (result.getHandshakeStatus() == HandshakeStatus.NEED_TASK) {
                tasks();
            }
            if (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP && established) {
                synchronized (writing) { // the peer has asked for new keys
                    sealed.clear();
                    plain.clear().limit(0);
                    wrap(plain);
                    send();
                }
            }
            if (opened.hasRemaining()) {
                return true;
            }
            if (!established) {
                return true; // a piece of the handshake
            }
        }
    }

    private boolean readRecord() throws DrayException {
        long at = MemorySegment.ofBuffer(arrived.clear()).address();
        try {
            if (!raw.readOrEnd(at, RECORD_HEADER_BYTES)) {
                return false;
            }
        } catch (PeerException e) {
            // A worker of Cloud Hypervisor that had nothing to send ends without having read the session ticket that
            // JSSE sends after each handshake, which makes the kernel reset the connection.
            if (established && e.getCause() instanceof SysException reset && reset.errno() == Errno.ECONNRESET) {
                return false;
            }
            throw e;
        }
        int bytes = Short.toUnsignedInt(arrived.getShort(LENGTH_OFFSET));
        if (bytes > RECORD_BYTES_MAX) {
            throw new PeerException(
                    "The other side sent a TLS record of " + bytes + " bytes", "see whether it speaks TLS at all");
        }
        raw.readFully(at + RECORD_HEADER_BYTES, bytes);
        arrived.limit(RECORD_HEADER_BYTES + bytes);
        return true;
    }

    private SSLEngineResult unwrap() throws DrayException {
        opened.clear();
        try {
            return engine.unwrap(arrived, opened);
        } catch (SSLException e) {
            tellWhy();
            throw failed(e);
        } finally {
            opened.flip();
        }
    }

    private void tasks() {
        for (Runnable task = engine.getDelegatedTask(); task != null; task = engine.getDelegatedTask()) {
            task.run();
        }
    }

    /// Shakes hands, if that was not done yet.
    void establish() throws DrayException {
        if (!established) {
            synchronized (writing) {
                if (!established) {
                    handshake();
                    if (engine.getUseClientMode()) {
                        checkThatTheHostIsNamed();
                    }
                    established = true;
                }
            }
        }
    }

    private void handshake() throws DrayException {
        try {
            engine.beginHandshake();
        } catch (SSLException e) {
            throw failed(e);
        }
        sealed.clear();
        while (true) {
            switch (engine.getHandshakeStatus()) {
                case NEED_WRAP -> {
                    plain.clear().limit(0);
                    wrap(plain);
                    send();
                }
                case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
                    if (!nextRecord()) {
                        throw handshakeEnded();
                    }
                }
                case NEED_TASK -> tasks();
                case FINISHED, NOT_HANDSHAKING -> {
                    if (engine.isInboundDone() || engine.isOutboundDone()) {
                        throw handshakeEnded(); // an engine that is closed does not shake hands either
                    }
                    return;
                }
            }
        }
    }

    /// A name in a certificate's subject does not count, as it does not for Cloud Hypervisor; Java takes it where there
    /// is no other. With an address Java does not.
    private void checkThatTheHostIsNamed() throws PeerException {
        String host = engine.getPeerHost();
        if (host.indexOf(':') >= 0 || host.matches("(.*\\.)?[0-9]+")) {
            return;
        }
        try {
            var own = (X509Certificate) engine.getSession().getPeerCertificates()[0];
            var names = own.getSubjectAlternativeNames();
            if (names == null
                    || names.stream().noneMatch(name -> name.getFirst().equals(DNS_NAME))) {
                throw new PeerException(
                        "TLS with the other side failed: its certificate has no host's name as subjectAltName",
                        "give the receiver a certificate that has " + host + " there");
            }
        } catch (SSLException | CertificateParsingException e) {
            throw new PeerException("The other side's certificate cannot be read: " + e.getMessage(), "", e);
        }
    }

    private static PeerException handshakeEnded() {
        return new PeerException(
                "The other side ended the TLS handshake",
                "see Cloud Hypervisor's log: it may not trust Dray's certificate");
    }

    /// The alert that says to the peer why the connection ends, as far as it can be sent.
    private void tellWhy() {
        synchronized (writing) {
            try {
                sealed.clear();
                plain.clear().limit(0);
                engine.wrap(plain, sealed);
                send();
            } catch (SSLException | DrayException e) {
                // The connection ends either way.
            }
        }
    }

    private static PeerException failed(SSLException e) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        return new PeerException(
                "TLS with the other side failed: " + cause.getMessage(),
                "see whether both sides' certificates are from the same authority and for the right host, and that"
                        + " both speak TLS 1.3",
                e);
    }

    @Override
    public void sendDescriptor(int slot, Fd descriptor) throws DrayException {
        throw new PeerException("Open files do not go over TLS", "");
    }

    @Override
    public SentDescriptor receiveDescriptor() throws DrayException {
        throw new PeerException("The VMM wants to hand over open files over TLS", "");
    }

    @Override
    public boolean isQuiet() throws DrayException {
        return !opened.hasRemaining() && raw.isQuiet();
    }

    @Override
    public OptionalLong peerProcess() {
        return raw.peerProcess();
    }

    @Override
    public void shutdown() {
        raw.shutdown();
    }

    /// Says goodbye as TLS wants it, so that the peer's last read ends well.
    @Override
    public void close() {
        if (established) {
            engine.closeOutbound();
            tellWhy();
        }
        raw.close();
    }
}
