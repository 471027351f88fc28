package dev.dray.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UsageTest {
    @Test
    void printsItsHelpWhenNothingIsAsked() {
        CommandRun run = CommandRun.of();
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("Usage: dray COMMAND [OPTIONS]");
        assertThat(run.err()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "frobnicate | Unknown command 'frobnicate' | See dray --help",
                "--frobnicate | Unknown option '--frobnicate' | See dray --help",
                "forget web1 | The command 'forget' is not in this release | See dray --help for what is",
                "list --frob | Unknown option '--frob' for dray list | See dray list --help",
                "list web1 | Unexpected argument 'web1' for dray list | See dray list --help",
                "list | No repository is given | Use --repo R, or set DRAY_REPO to a directory or URL",
                "list --repo | The option --repo needs a value: R | See dray list --help",
                "list --repo s3://b/p | Object storage ('s3://b/p') is not in this release"
                        + " | Use a directory: /srv/dray",
                "list --repo ftp://b/p | 'ftp://b/p' is not a repository's URL"
                        + " | Write file:///srv/dray, or only /srv/dray",
                "list --repo r --repo s | The option --repo is given more than once | See dray list --help",
                "list --repo r --key-file= | The value of --key-file is empty | Name the file that `dray init` made",
                "list --repo r --key-command= | The value of --key-command is empty"
                        + " | Give a command whose output is the content of a key file",
                "list --repo r --passphrase-file= | The value of --passphrase-file is empty"
                        + " | Name a file whose first line is the passphrase",
                "capture qemu:/q --repo r --name n --on-pause= | The value of --on-pause is empty"
                        + " | Give a command, or leave --on-pause out",
                "list --repo r\uFFFD | 'r\uFFFD' has bytes that are no text in UTF-8"
                        + " | Use another name, or a symbolic link to it",
                "list --repo r --key-file f --key-command c"
                        + " | --key-file and --key-command are two ways to the key | Give one of them",
                "show --repo r | show needs SNAPSHOT | See dray show --help",
                "inspect | inspect needs FILE | See dray inspect --help",
                "capture qemu:/q --repo r | capture needs --name N | See dray capture --help",
                "capture q --repo r --name n | 'q' does not name a VM"
                        + " | Write qemu:SOCKET with the path of its QMP socket, or ch:SOCKET with that of its API socket",
                "capture qemu:/q --repo r --name n --mode fast | --mode 'fast' is unknown"
                        + " | Use one of: auto, background, live, stop",
                "capture qemu:/q --repo r --name n --mode background --after quit"
                        + " | Mode background cannot end with --after quit: the guest would outlive its image"
                        + " | Use --mode live or --mode stop, or leave --mode out",
                "capture qemu:/q --repo r --name n --mode background --after pause"
                        + " | Mode background cannot end with --after pause: the guest would outlive its image"
                        + " | Use --mode live or --mode stop, or leave --mode out",
                "capture qemu:/q --repo r --name n --time-limit 5 | --time-limit '5' is not a duration"
                        + " | Write a number with ms, s, m or h: 300ms, 5m",
                "capture qemu:/q --repo r --name n --rate fast | --rate 'fast' is not a number of bytes"
                        + " | Write a number, with K, M, G or T if you like: 200M",
                "capture qemu:/q --repo r --name n --compression lz4 | Compression 'lz4' is unknown"
                        + " | Use auto, none, or zstd:LEVEL with a level from -7 to 19, not 0",
                "capture qemu:/q --repo r --name n --label x | --label 'x' has no name and value"
                        + " | Write --label NAME=VALUE",
                "capture qemu:/q --repo r --name 3fa9c1 | The name 3fa9c1 looks like a snapshot's id"
                        + " | Use a name with a letter beyond f",
                "restore web1 --repo r | restore needs --into VM | See dray restore --help",
                "restore web1 --repo r --into qemu:/q --lazy | Lazy restore into a QEMU is not in this release"
                        + " | Leave --lazy out: all memory is sent first",
                "restore web1 --repo r --into qemu:/q --set a=b | A waiting QEMU has its configuration already"
                        + " | Give --set's values on its command line",
                "restore web1 --repo r --into ch:/q --map-block a=b"
                        + " | Memory regions of a Cloud Hypervisor have no other names | Leave --map-block out",
                "restore web1 --repo r --into ch:/q --prefetch none | --prefetch is for --lazy"
                        + " | Give --lazy too, or leave --prefetch out",
                "restore web1 --repo r --into ch:/q --set disks | --set 'disks' has no name and value"
                        + " | Write --set NAME=VALUE",
                "restore web1 --repo r --repo s --repo t --into ch:/q | --repo is given 3 times"
                        + " | Give a repository and one copy",
                "receive --listen unix:/s --repo r | receive needs --name N | See dray receive --help",
                "receive --listen here --repo r --name n | 'here' is no address of a migration"
                        + " | Write unix:PATH or tcp:HOST:PORT",
                "receive --listen unix:/s --repo r --name n --plaintext | TLS is for TCP, and unix:/s is a socket of"
                        + " this host | Leave --tls-dir and --plaintext out",
                "send web1 --connect tcp:h:1 --repo r --plaintext --tls-dir d"
                        + " | --tls-dir and --plaintext contradict each other | Give one of them",
                "send web1 --connect unix:/s --repo r --connections 129 | 129 connections are not possible"
                        + " | Use 1 to 128",
                "send web1 --connect unix:/s --repo r --connections x | --connections 'x' is not a number"
                        + " | Write a number: 4",
                "restore web1 --repo r --into qemu:/q --disks-restored --disks-unchecked"
                        + " | --disks-restored and --disks-unchecked contradict each other | Give one of them",
                "import /etc/passwd --repo r --name n | Import of a file is not in this release"
                        + " | Name the directory of a snapshot of Cloud Hypervisor",
                "import /proc --repo r --name n | /proc is no snapshot of Cloud Hypervisor: it has neither config.json"
                        + " nor migration_config.json"
                        + " | Name the directory of a snapshot of Cloud Hypervisor or of its offload_daemon",
                "verify --repo r --data --structure | --data and --structure contradict each other"
                        + " | Give one of them",
                "verify --repo r --data-subset 4/3 | --data-subset '4/3' is not a part of the data"
                        + " | Write n/m with n from 1 to m, or a percentage such as 2.5%",
                "init --repo r | An encrypted repository needs a key"
                        + " | Give --key-file F (or DRAY_KEY_FILE), --key-command CMD, or --passphrase-file F"
                        + " (or DRAY_PASSPHRASE); or --no-encryption to store everything in plain text",
                "init --repo r --key-file f --no-encryption"
                        + " | --no-encryption and --key-file contradict each other | Give one of them",
                "demo --vmm vmware | --vmm 'vmware' is unknown | Use one of: auto, qemu, builtin",
                "doctor qemu: | 'qemu:' does not name a VM"
                        + " | Write qemu:SOCKET with the path of its QMP socket, or ch:SOCKET with that of its API socket",
            })
    void answersInOneSentenceAndWithWhatToDo(String line, String message, String whatToDo) {
        String[] arguments = line.strip().split(" ");
        CommandRun words = CommandRun.of(arguments);
        assertThat(words.err()).isEqualTo("dray: " + message + "\n      " + whatToDo + "\n");
        assertThat(words.out()).isEmpty();
        assertThat(words.exitCode()).isEqualTo(2);

        CommandRun json = CommandRun.of((line.strip() + " --json").split(" "));
        assertThat(json.exitCode()).isEqualTo(2);
        assertThat(json.json().propertyNames()).containsExactly("outcome", "kind", "guest", "message", "what_to_do");
        assertThat(json.json().path("kind").stringValue()).isEqualTo("usage");
        assertThat(json.json().path("outcome").stringValue()).isEqualTo("failed");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "receive --listen tcp:10.0.0.2:9000 --repo r --name n",
                "send web1 --connect tcp:10.0.0.2:9000 --repo r"
            })
    void sendsNoGuestsMemoryOverANetworkInPlainTextUnlessTold(String line) {
        CommandRun run = CommandRun.of(line.split(" "));
        assertThat(run.err()).isEqualTo("""
                dray: A guest's memory would go in plain text over tcp:10.0.0.2:9000
                      Give --tls-dir with the certificates, or say --plaintext if the network is trusted
                """);
        assertThat(run.exitCode()).isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"recover", "prune", "repair", "stats", "key", "export", "copy", "diff", "map"})
    void knowsTheCommandsOfLaterReleases(String name) {
        assertThat(CommandRun.of(name, "--whatever", "x").err())
                .startsWith("dray: The command '" + name + "' is not in this release\n");
    }

    @Test
    void takesSharedFlagsBeforeTheCommandToo() {
        CommandRun run = CommandRun.of("--json", "--quiet", "list");
        assertThat(run.json().path("message").stringValue()).isEqualTo("No repository is given");
    }

    @Test
    void tellsItsVersion() {
        assertThat(CommandRun.of("--version").out()).isEqualTo("dray 0.1.0\n");
        assertThat(CommandRun.of("--version", "--json").out()).isEqualTo("{\"version\":\"0.1.0\"}\n");
    }

    @Test
    void takesTheRepositoryFromTheEnvironment() {
        CommandRun run = CommandRun.with(Map.of("DRAY_REPO", "s3://bucket/x"), "list");
        assertThat(run.err()).startsWith("dray: Object storage ('s3://bucket/x') is not in this release\n");
    }

    /// What Java could not decode, it would look for, or make, under another name.
    @Test
    void takesNoNameFromTheEnvironmentThatIsNoText() {
        CommandRun repository = CommandRun.with(Map.of("DRAY_REPO", "r\uFFFD"), "list");
        assertThat(repository.err()).startsWith("dray: DRAY_REPO has bytes that are no text in UTF-8\n");
        assertThat(repository.exitCode()).isEqualTo(2);
        CommandRun passphrase =
                CommandRun.with(Map.of("DRAY_PASSPHRASE", "hor\uFFFDse"), "init", "--repo", "/proc/none");
        assertThat(passphrase.err()).startsWith("dray: DRAY_PASSPHRASE has bytes that are no text in UTF-8\n");
        assertThat(passphrase.err()).doesNotContain("hor");
        assertThat(passphrase.exitCode()).isEqualTo(2);
    }

    @Test
    void doesNotExpandArgumentFiles() {
        assertThat(CommandRun.of("list", "@/etc/passwd").err())
                .isEqualTo("dray: Unexpected argument '@/etc/passwd' for dray list\n      See dray list --help\n");
    }
}
