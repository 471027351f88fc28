package dev.dray.snapshot;

import dev.dray.error.CorruptException;
import dev.dray.error.DrayException;
import dev.dray.seal.SecretKey;
import java.io.ByteArrayOutputStream;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;

/// The object `config/repository`. Its clear part is empty, or the master key of a repository that is not
/// encrypted; its sealed part is a JSON object:
///
/// | field   | meaning                                 |
/// |---------|-----------------------------------------|
/// | dedup   | `repository` or `guest`, see [Dedup]    |
/// | created | when, by the creating host's clock      |
record RepositoryConfig(Dedup dedup, Instant created) {
    static final int BYTES_MAX = 64 << 10;

    static RepositoryConfig of(Dedup dedup) {
        return new RepositoryConfig(dedup, Instant.now().truncatedTo(ChronoUnit.SECONDS));
    }

    /// @param clearKey the master key if the repository is not to be encrypted
    byte[] write(byte[] repository, Optional<SecretKey> clearKey, RepositoryKeys keys) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator json = ManifestWriter.JSON.createGenerator(ObjectWriteContext.empty(), out)) {
            json.writeStartObject();
            json.writeStringProperty("dedup", dedup == Dedup.GUEST ? "guest" : "repository");
            json.writeStringProperty("created", created.toString());
            json.writeEndObject();
        }
        byte[] clear = clearKey.map(key -> key.bytes().toArray(Format.U8)).orElse(new byte[0]);
        return Envelope.write(ObjectKind.CONFIG, ObjectName.CONFIG, repository, clear, out.toByteArray(), keys);
    }

    /// The master key in a configuration's clear part, if there is one.
    static Optional<SecretKey> clearKey(Envelope config) throws CorruptException {
        return switch (config.clear().length) {
            case 0 -> Optional.empty();
            case SecretKey.KEY_BYTES -> Optional.of(SecretKey.of(config.clear()));
            default ->
                throw Envelope.damaged(ObjectName.CONFIG, "its clear part has " + config.clear().length + " bytes");
        };
    }

    static RepositoryConfig read(Envelope config, RepositoryKeys keys) throws DrayException {
        byte[] body = config.open(ObjectName.CONFIG, config.repository(), keys);
        String dedup = "";
        Instant created = Instant.EPOCH;
        try (JsonParser json = ManifestWriter.JSON.createParser(ObjectReadContext.empty(), body)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.PROPERTY_NAME) {
                String field = json.currentName();
                json.nextToken();
                switch (field) {
                    case "dedup" -> dedup = json.getString();
                    case "created" -> created = Instant.parse(json.getString());
                    default -> json.skipChildren();
                }
            }
        } catch (JacksonException e) {
            throw new CorruptException("Object " + ObjectName.CONFIG + " is damaged: it cannot be understood", "", e);
        }
        return switch (dedup) {
            case "repository" -> new RepositoryConfig(Dedup.REPOSITORY, created);
            case "guest" -> new RepositoryConfig(Dedup.GUEST, created);
            default -> throw Envelope.damaged(ObjectName.CONFIG, "its dedup is '" + dedup + "'");
        };
    }
}
