package dev.dray.machine.guest;

import java.io.ByteArrayOutputStream;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/// A tiny assembler: the few x86 instructions that [BareMetalGuest] needs, in 32-bit code, with labels. Each
/// method emits one instruction; operands are in Intel's order, destination first. `at` operands are absolute
/// addresses, `base, displacement` operands are memory at a register.
///
/// Jumps and calls always take the long form, so that an instruction's length never depends on where its
/// label is. 16-bit code is emitted as bytes ([#bytes]).
final class Assembler {
    /// Conditions of [#jump(Condition, String)], with the low half of their operation codes.
    enum Condition {
        BELOW(0x2),
        NOT_BELOW(0x3),
        EQUAL(0x4),
        NOT_EQUAL(0x5);

        private final int code;

        Condition(int code) {
            this.code = code;
        }
    }

    /// Two-operand arithmetic, with the number that both encodings are made of.
    enum Operation {
        ADD(0),
        OR(1),
        AND(4),
        SUB(5),
        XOR(6),
        CMP(7);

        private final int number;

        Operation(int number) {
            this.number = number;
        }
    }

    private final int origin;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final Map<String, Integer> labels = new HashMap<>();
    private final Map<Integer, String> relatives = new LinkedHashMap<>();
    private final Map<Integer, String> absolutes = new LinkedHashMap<>();

    /// @param origin the address at which the first byte will lie when it runs
    Assembler(int origin) {
        this.origin = origin;
    }

    /// How many bytes were emitted.
    int offset() {
        return out.size();
    }

    Assembler bytes(int... values) {
        for (int value : values) {
            out.write(value);
        }
        return this;
    }

    Assembler u16(int value) {
        return bytes(value, value >>> 8);
    }

    Assembler u32(int value) {
        return u16(value).u16(value >>> 16);
    }

    /// The address of `label` as 32 bits, filled in at the end.
    Assembler addressOf(String label) {
        absolutes.put(offset(), label);
        return u32(0);
    }

    /// Zeros up to `offset` bytes from the start.
    Assembler padTo(int offset) {
        if (offset() > offset) {
            throw new IllegalStateException(offset() + " bytes do not fit in " + offset);
        }
        while (offset() < offset) {
            bytes(0);
        }
        return this;
    }

    Assembler label(String name) {
        if (labels.put(name, offset()) != null) {
            throw new IllegalStateException("label " + name + " twice");
        }
        return this;
    }

    Assembler mov(Register to, int value) {
        return bytes(0xb8 + to.number()).u32(value);
    }

    Assembler mov(Register to, Register from) {
        return registers(0x89, to, from);
    }

    Assembler load(Register to, int at) {
        return bytes(0x8b).absolute(to.number(), at);
    }

    Assembler load(Register to, Register base, int displacement) {
        return bytes(0x8b).indirect(to.number(), base, displacement);
    }

    Assembler store(int at, Register from) {
        return bytes(0x89).absolute(from.number(), at);
    }

    Assembler store(Register base, int displacement, Register from) {
        return bytes(0x89).indirect(from.number(), base, displacement);
    }

    Assembler storeValue(int at, int value) {
        return bytes(0xc7).absolute(0, at).u32(value);
    }

    Assembler apply(Operation operation, Register to, Register with) {
        return registers(operation.number << 3 | 1, to, with);
    }

    Assembler apply(Operation operation, Register to, int value) {
        return bytes(0x81, 0xc0 | operation.number << 3 | to.number()).u32(value);
    }

    Assembler compare(int at, int value) {
        return bytes(0x81).absolute(Operation.CMP.number, at).u32(value);
    }

    Assembler compare(Register with, int at) {
        return bytes(0x3b).absolute(with.number(), at);
    }

    Assembler compare(Register base, int displacement, Register with) {
        return bytes(0x39).indirect(with.number(), base, displacement);
    }

    /// Sets the equal condition if no bit of `mask` is set in the register.
    Assembler test(Register register, int mask) {
        return bytes(0xf7, 0xc0 | register.number()).u32(mask);
    }

    Assembler test(int at, Register mask) {
        return bytes(0x85).absolute(mask.number(), at);
    }

    Assembler multiply(Register to, Register from, int factor) {
        return bytes(0x69, 0xc0 | to.number() << 3 | from.number()).u32(factor);
    }

    Assembler shiftLeft(Register register, int bits) {
        return bytes(0xc1, 0xe0 | register.number(), bits);
    }

    Assembler shiftRight(Register register, int bits) {
        return bytes(0xc1, 0xe8 | register.number(), bits);
    }

    Assembler rotateLeft(Register register, int bits) {
        return bytes(0xc1, 0xc0 | register.number(), bits);
    }

    Assembler increment(Register register) {
        return bytes(0x40 + register.number());
    }

    Assembler increment(int at) {
        return bytes(0xff).absolute(0, at);
    }

    Assembler decrement(Register register) {
        return bytes(0x48 + register.number());
    }

    Assembler decrement(int at) {
        return bytes(0xff).absolute(1, at);
    }

    Assembler push(Register register) {
        return bytes(0x50 + register.number());
    }

    Assembler pop(Register register) {
        return bytes(0x58 + register.number());
    }

    Assembler jump(String label) {
        return bytes(0xe9).relative(label);
    }

    Assembler jump(Condition condition, String label) {
        return bytes(0x0f, 0x80 | condition.code).relative(label);
    }

    Assembler call(String label) {
        return bytes(0xe8).relative(label);
    }

    Assembler ret() {
        return bytes(0xc3);
    }

    /// Writes AL to a port.
    Assembler out(int port) {
        return bytes(0x66, 0xba).u16(port).bytes(0xee);
    }

    /// Reads AL from a port. Changes DX.
    Assembler in(int port) {
        return bytes(0x66, 0xba).u16(port).bytes(0xec);
    }

    /// `AL := value`.
    Assembler movAl(int value) {
        return bytes(0xb0, value);
    }

    /// The finished code, with every label filled in.
    byte[] assemble() {
        byte[] code = out.toByteArray();
        relatives.forEach((at, label) -> put(code, at, address(label) - (origin + at + 4)));
        absolutes.forEach((at, label) -> put(code, at, address(label)));
        return code;
    }

    private int address(String label) {
        Integer offset = labels.get(label);
        if (offset == null) {
            throw new IllegalStateException("no label " + label);
        }
        return origin + offset;
    }

    private static void put(byte[] code, int at, int value) {
        for (int i = 0; i < 4; i++) {
            code[at + i] = (byte) (value >>> (8 * i));
        }
    }

    private Assembler relative(String label) {
        relatives.put(offset(), label);
        return u32(0);
    }

    private Assembler registers(int operation, Register to, Register from) {
        return bytes(operation, 0xc0 | from.number() << 3 | to.number());
    }

    private Assembler absolute(int field, int at) {
        return bytes(field << 3 | 5).u32(at);
    }

    private Assembler indirect(int field, Register base, int displacement) {
        if (base == Register.ESP) {
            throw new IllegalArgumentException("ESP as a base needs another encoding");
        }
        return bytes(0x80 | field << 3 | base.number()).u32(displacement);
    }
}
