package dev.dray.cli;

import dev.dray.ExitCode;
import dev.dray.Init;
import dev.dray.Initialized;
import dev.dray.KeySource;
import dev.dray.OperationException;
import dev.dray.RepositoryAccess;
import dev.dray.error.DrayException;
import dev.dray.error.KeyException;
import dev.dray.error.UsageException;
import java.io.PrintStream;
import java.util.Arrays;
import picocli.CommandLine.Model.CommandSpec;

/// `dray init`.
final class InitCommand implements Command {
    @Override
    public CommandSpec spec() {
        return Spec.of(
                        "init",
                        "Makes a new repository, encrypted unless told otherwise.",
                        "With --key-file F a missing F is made (mode 0600). Whoever loses F loses everything in the"
                                + " repository: keep a copy of it elsewhere, never in the repository itself.")
                .repository("The directory to make, or an empty one (DRAY_REPO).")
                .flag("--no-encryption", "Store everything in plain text: protects against accidents only.")
                .option(
                        "--dedup",
                        "repository|guest",
                        "Store equal pages once in the whole repository (default), or once for each guest, so that"
                                + " sizes tell nobody what another guest holds.")
                .examples(
                        "dray init --repo /srv/dray --key-file ~/dray.key",
                        "dray init --repo /srv/dray --key-command 'pass show dray'",
                        "dray init --repo /tmp/try --no-encryption")
                .done(ExitCode.values());
    }

    @Override
    public ExitCode run(Invocation invocation) throws OperationException, DrayException {
        boolean encryption = !invocation.has("--no-encryption");
        var dedup = Values.word("--dedup", invocation.option("--dedup", "repository"), Init.Dedup.class);
        String place = RepositoryArguments.place(invocation)
                .orElseThrow(() ->
                        new UsageException("No repository is given", "Use --repo R, or set DRAY_REPO to a directory"));
        var access = new RepositoryAccess(place, key(invocation, encryption));
        return invocation.end(
                new Init(access, encryption, dedup).run(invocation.progress()),
                (made, out) -> print(made, access.key(), out));
    }

    private static KeySource key(Invocation invocation, boolean encryption) throws UsageException {
        if (!encryption) {
            for (String option : RepositoryArguments.KEY_OPTIONS) {
                if (invocation.has(option)) {
                    throw new UsageException(
                            "--no-encryption and " + option + " contradict each other", "Give one of them");
                }
            }
            return KeySource.none();
        }
        KeySource source = RepositoryArguments.keySource(invocation, "New passphrase");
        return switch (source) {
            case KeySource.None _ ->
                throw new UsageException(
                        "An encrypted repository needs a key",
                        "Give " + RepositoryArguments.KEY_HINT
                                + "; or --no-encryption to store everything in plain text");
            case KeySource.Ask(var passphrase) -> new KeySource.Ask(() -> twice(invocation, passphrase));
            default -> source;
        };
    }

    private static char[] twice(Invocation invocation, KeySource.Passphrase first) throws DrayException {
        char[] passphrase = first.read();
        char[] again = invocation.around().prompt().ask("The same again").orElse(new char[0]);
        boolean same = Arrays.equals(passphrase, again);
        Arrays.fill(again, '\0');
        if (!same) {
            Arrays.fill(passphrase, '\0');
            throw new KeyException("The two passphrases differ", "Try again");
        }
        return passphrase;
    }

    private static void print(Initialized made, KeySource key, PrintStream out) {
        out.printf("Made repository %s in %s%n", made.repository(), made.place());
        String everything = " loses everything in the repository";
        switch (key) {
            case KeySource.None _ ->
                out.println("NOT ENCRYPTED: whoever reads or writes the directory reads or forges guests' memory");
            case KeySource.KeyFileAt(var file) ->
                out.println((made.keyFileMade().isPresent()
                                ? "Made the key file " + file + ". Losing it"
                                : "Losing the key file " + file)
                        + everything + ": keep a copy elsewhere");
            case KeySource.KeyCommand _ -> out.println("Losing the key that the key command prints" + everything);
            case KeySource.Ask _, KeySource.PassphraseFrom _ -> out.println("Losing the passphrase" + everything);
        }
    }
}
