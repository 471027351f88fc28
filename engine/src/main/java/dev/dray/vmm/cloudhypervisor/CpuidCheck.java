package dev.dray.vmm.cloudhypervisor;

import dev.dray.error.RefusedException;
import dev.dray.vmm.HostFacts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/// Whether this host's processor has what a captured guest was given. The waiting VMM makes the same comparison, and
/// says no more than that it failed.
///
/// The guest's side is the CPUID in its Config; the host's side is `/proc/cpuinfo`, by name. What the two do not
/// share is not compared: features that KVM gives to guests whatever the processor, those that Linux has no name
/// for, those of hypervisors, sizes of tiles and of state; and all of it on anything but x86-64. So an empty answer
/// does not promise that the VMM will agree, but a feature in it is missing indeed.
final class CpuidCheck {
    /// Registers of CPUID that hold features, and Linux's names of their bits from 0 on; `-` is not compared.
    private static final Map<String, String> NAMES = names();

    private CpuidCheck() {}

    /// @param cpuid `common_cpuid` of a Config
    /// @param captured what [HostFacts] read of the host that the guest came from; what that lacked too by Linux's
    ///     account is not missed: Linux hides features that it distrusts, and KVM gives them all the same
    /// @param host what [HostFacts] read of the host that waits
    /// @param ownRisk whether the user wants to go on all the same
    /// @throws RefusedException naming what the host lacks
    static void check(JsonNode cpuid, JsonNode captured, JsonNode host, boolean ownRisk) throws RefusedException {
        var lacking = new ArrayList<>(lacking(cpuid, host));
        lacking.removeAll(lacking(cpuid, captured));
        if (!lacking.isEmpty() && !ownRisk) {
            throw new RefusedException(
                    "This host's processor lacks what the guest was given: " + String.join(", ", lacking),
                    "restore it on a host that has it, or try with --own-risk: the VMM compares too");
        }
    }

    /// What the guest was given and the host lacks, in Linux's words; empty also where it cannot be known.
    static List<String> lacking(JsonNode cpuid, JsonNode host) {
        String flags = host.path(HostFacts.FLAGS).asString("");
        if (flags.isEmpty() || !isX86(host.path(HostFacts.ARCHITECTURE).asString(""))) {
            return List.of();
        }
        Set<String> has = new HashSet<>(Arrays.asList(flags.split(" ", -1)));
        var lacking = new ArrayList<String>();
        for (JsonNode leaf : cpuid) {
            for (String register : List.of("eax", "ebx", "ecx", "edx")) {
                String key = Long.toHexString(leaf.path("function").asLong(-1)) + "."
                        + leaf.path("index").asLong(0) + "." + register;
                String names = NAMES.get(key);
                if (names != null) {
                    compare(leaf.path(register).asLong(0), names.split(" ", -1), has, lacking);
                }
            }
        }
        return lacking;
    }

    private static void compare(long bits, String[] names, Set<String> has, List<String> lacking) {
        for (int bit = 0; bit < names.length; bit++) {
            boolean given = (bits >>> bit & 1) != 0;
            if (given && !names[bit].equals("-") && !has.contains(names[bit]) && !lacking.contains(names[bit])) {
                lacking.add(names[bit]);
            }
        }
    }

    private static boolean isX86(String architecture) {
        return architecture.equals("amd64") || architecture.equals("x86_64");
    }

    private static Map<String, String> names() {
        var names = new LinkedHashMap<String, String>();
        // Not compared: x2apic, tsc-deadline, osxsave and the hypervisor's bit, which are KVM's to give.
        names.put(
                "1.0.ecx",
                "pni pclmulqdq - - - - - - - ssse3 - - fma cx16 - - - pcid - sse4_1 sse4_2 - movbe popcnt - aes xsave"
                        + " - avx f16c rdrand -");
        names.put(
                "1.0.edx",
                "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 - clflush - - - mmx fxsr"
                        + " sse sse2 - - - - -");
        // Not compared: tsc_adjust, which KVM emulates; rdseed, which Linux hides where it distrusts it.
        names.put(
                "7.0.ebx",
                "fsgsbase - - bmi1 hle avx2 - smep bmi2 erms invpcid rtm - - - - avx512f avx512dq - adx smap"
                        + " avx512ifma - clflushopt clwb - avx512pf avx512er avx512cd sha_ni avx512bw avx512vl");
        // Not compared: umip, which KVM emulates, and what belongs to the kernel's own use of protection keys.
        names.put(
                "7.0.ecx",
                "- avx512vbmi - - - waitpkg avx512_vbmi2 - gfni vaes vpclmulqdq avx512_vnni avx512_bitalg -"
                        + " avx512_vpopcntdq - la57 - - - - - rdpid - - cldemote - movdiri movdir64b - - -");
        names.put(
                "7.0.edx",
                "- - avx512_4vnniw avx512_4fmaps fsrm - - - avx512_vp2intersect - - - - - serialize - - - - - - -"
                        + " amx_bf16 avx512_fp16 amx_tile amx_int8 - - - - - -");
        names.put("7.1.eax", "- - - - avx_vnni avx512_bf16");
        names.put(
                "80000001.0.ecx",
                "lahf_lm - - - - abm sse4a misalignsse 3dnowprefetch - - xop - - - - fma4 - - - - tbm");
        names.put(
                "80000001.0.edx",
                "- - - - - - - - - - - syscall - - - - - - - - nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm");
        return Map.copyOf(names);
    }
}
