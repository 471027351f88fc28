package dev.dray.vmm.qemu.wire;

import dev.dray.error.PeerException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.UnexpectedEndOfInputException;
import tools.jackson.core.json.JsonFactory;

/// What the sender's JSON says of its device sections: the only exact account of their lengths. It is read as a
/// stream of tokens, so that 16 MiB of it cost nothing but the list.
///
/// @param devices in the order in which their sections were sent, early ones first
record VmDescription(List<Device> devices) {
    /// More than any guest has; a guest of a thousand virtio devices has some thousand.
    static final int DEVICES_MAX = 1 << 16;

    /// Subsections of subsections; QEMU's deepest is 2.
    private static final int DEPTH_MAX = 16;

    private static final long BYTES_ENDLESS = 1L << 60;

    private static final JsonFactory JSON = new JsonFactory();

    /// @param payloadBytes length of its section's payload
    record Device(String name, int instance, long payloadBytes) {}

    VmDescription {
        devices = List.copyOf(devices);
    }

    /// Reads bytes `from` … `to - 1`, which must be one JSON object and nothing else.
    static VmDescription parse(byte[] bytes, int from, int to) throws PeerException {
        try (JsonParser json = JSON.createParser(ObjectReadContext.empty(), bytes, from, to - from)) {
            var devices = new ArrayList<Device>();
            expect(json.nextToken(), JsonToken.START_OBJECT, "the description");
            while (json.nextToken() != JsonToken.END_OBJECT) {
                String name = json.currentName();
                json.nextToken();
                if (name.equals("devices")) {
                    devices(json, devices);
                } else {
                    json.skipChildren();
                }
            }
            if (json.nextToken() != null) {
                throw Refusal.broken("The device description goes on behind its end");
            }
            return new VmDescription(devices);
        } catch (JacksonException e) {
            throw Refusal.broken("The device description is no JSON: " + fault(e));
        }
    }

    /// Where a document stops being JSON, in a few words: the parser's own are about its API.
    private static String fault(JacksonException e) {
        TokenStreamLocation at = e.getLocation();
        long bytes = at == null ? -1 : Math.max(at.getByteOffset(), at.getCharOffset());
        String fault = e instanceof UnexpectedEndOfInputException ? "it breaks off" : "it goes wrong";
        return bytes < 0 ? fault : fault + " after " + bytes + " bytes";
    }

    private static void devices(JsonParser json, List<Device> devices) throws PeerException {
        expect(json.currentToken(), JsonToken.START_ARRAY, "devices");
        while (json.nextToken() != JsonToken.END_ARRAY) {
            if (devices.size() == DEVICES_MAX) {
                throw Refusal.broken("The device description lists more than " + DEVICES_MAX + " devices");
            }
            devices.add(device(json));
        }
    }

    private static Device device(JsonParser json) throws PeerException {
        expect(json.currentToken(), JsonToken.START_OBJECT, "a device");
        String deviceName = "";
        long instance = 0;
        long bytes = 0;
        while (json.nextToken() != JsonToken.END_OBJECT) {
            String name = json.currentName();
            json.nextToken();
            switch (name) {
                case "name" -> deviceName = text(json, name);
                case "instance_id" -> instance = number(json, name);
                case "fields" -> bytes = sum(bytes, fields(json));
                case "subsections" -> bytes = sum(bytes, subsections(json, 0));
                default -> json.skipChildren();
            }
        }
        return new Device(deviceName, (int) instance, bytes);
    }

    /// A field's `size` is that of one element; a structure's covers all that is in it.
    private static long fields(JsonParser json) throws PeerException {
        expect(json.currentToken(), JsonToken.START_ARRAY, "fields");
        long bytes = 0;
        while (json.nextToken() != JsonToken.END_ARRAY) {
            expect(json.currentToken(), JsonToken.START_OBJECT, "a field");
            long size = 0;
            long count = 1;
            while (json.nextToken() != JsonToken.END_OBJECT) {
                String name = json.currentName();
                json.nextToken();
                switch (name) {
                    case "size" -> size = number(json, name);
                    case "array_len" -> count = number(json, name);
                    default -> json.skipChildren();
                }
            }
            bytes = sum(bytes, size * count);
        }
        return bytes;
    }

    /// A subsection is `0x05, u8 n, vmsd_name, be32 version`, then its fields and its own subsections.
    private static long subsections(JsonParser json, int depth) throws PeerException {
        expect(json.currentToken(), JsonToken.START_ARRAY, "subsections");
        if (depth == DEPTH_MAX) {
            throw Refusal.broken("The device description has subsections more than " + DEPTH_MAX + " deep");
        }
        long bytes = 0;
        while (json.nextToken() != JsonToken.END_ARRAY) {
            expect(json.currentToken(), JsonToken.START_OBJECT, "a subsection");
            bytes = sum(bytes, 1 + 1 + 4);
            while (json.nextToken() != JsonToken.END_OBJECT) {
                String name = json.currentName();
                json.nextToken();
                switch (name) {
                    case "vmsd_name" -> bytes = sum(bytes, text(json, name).length());
                    case "fields" -> bytes = sum(bytes, fields(json));
                    case "subsections" -> bytes = sum(bytes, subsections(json, depth + 1));
                    default -> json.skipChildren();
                }
            }
        }
        return bytes;
    }

    /// Stays at a sum that no payload has, and so cannot overflow.
    private static long sum(long a, long b) {
        return Math.min(a + Math.min(b, BYTES_ENDLESS), BYTES_ENDLESS);
    }

    private static String text(JsonParser json, String name) throws PeerException {
        expect(json.currentToken(), JsonToken.VALUE_STRING, name);
        return json.getString();
    }

    /// A number of 31 bits, so that a product of two does not overflow.
    private static long number(JsonParser json, String name) throws PeerException {
        expect(json.currentToken(), JsonToken.VALUE_NUMBER_INT, name);
        long value = json.getLongValue();
        if (value < 0 || value > Integer.MAX_VALUE) {
            throw Refusal.broken("The device description has '" + name + "' " + value);
        }
        return value;
    }

    private static void expect(@Nullable JsonToken found, JsonToken expected, String what) throws PeerException {
        if (found != expected) {
            throw Refusal.broken("The device description has " + word(found) + " as " + what);
        }
    }

    private static String word(@Nullable JsonToken token) {
        return switch (token) {
            case null -> "nothing";
            case START_OBJECT -> "an object";
            case START_ARRAY -> "a list";
            case VALUE_STRING -> "a text";
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> "a number";
            case VALUE_TRUE, VALUE_FALSE -> "a truth value";
            default -> "nothing";
        };
    }
}
