package org.tonle.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import org.tonle.definition.DefinitionException;
import org.tonle.spi.LakeException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code tonle}: the commands and what becomes of their errors. */
@Command(
        name = "tonle",
        description = "An open data lake: one process on a laptop, the same lake on your platform.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        synopsisSubcommandLabel = "COMMAND",
        commandListHeading = "%nCommands:%n",
        exitCodeListHeading = "%nExit status:%n",
        exitCodeList = {
            "0:done",
            "1:it failed; stderr says why",
            "2:the command line is wrong",
            "3:the lake folder has problems; stderr lists them",
            "4:no lake is running there"
        },
        footerHeading = "%nStart with:%n",
        footer = {
            "  tonle demo               3,000,000 real flights through a whole lake",
            "  tonle init my-lake       a lake folder of your own",
            "  tonle up --lake my-lake  and run it"
        })
public final class Main {
    private final Terminal terminal;

    Main(Terminal terminal) {
        this.terminal = terminal;
    }

    /** Runs one command and ends the process with its exit status. */
    public static void main(String[] args) {
        int exit = new Main(Terminal.ofProcess(System.getenv())).run(args);
        System.exit(exit);
    }

    int run(String... args) {
        CommandLine commands =
                new CommandLine(this)
                        .addSubcommand(new DemoCommand(terminal))
                        .addSubcommand(new ShopCommand(terminal))
                        .addSubcommand(new InitCommand(terminal))
                        .addSubcommand(new AddCommand(terminal))
                        .addSubcommand(new SourceCommand(terminal))
                        .addSubcommand(new UpCommand(terminal))
                        .addSubcommand(new ListCommand(terminal))
                        .addSubcommand(new ValidateCommand(terminal))
                        .addSubcommand(
                                new CommandLine(new QueryCommand(terminal))
                                        .addSubcommand(new QueryListCommand(terminal))
                                        .addSubcommand(new QueryCancelCommand()))
                        .addSubcommand(new KeyCommand(terminal))
                        .addSubcommand(new PolicyCommand(terminal))
                        .addSubcommand(new LineageCommand(terminal))
                        .addSubcommand(new QuarantineCommand(terminal))
                        .addSubcommand(new RefreshCommand(terminal))
                        .addSubcommand(new MaintenanceCommand(terminal))
                        .addSubcommand(new FsckCommand(terminal))
                        .addSubcommand(new ExportCommand(terminal))
                        .addSubcommand(new ImportCommand(terminal))
                        .setErr(
                                new java.io.PrintWriter(
                                        terminal.err(), true, StandardCharsets.UTF_8))
                        .setOut(
                                new java.io.PrintWriter(
                                        terminal.out(), true, StandardCharsets.UTF_8))
                        .setColorScheme(
                                CommandLine.Help.defaultColorScheme(
                                        terminal.colour() && terminal.outIsTerminal()
                                                ? CommandLine.Help.Ansi.ON
                                                : CommandLine.Help.Ansi.OFF))
                        .setExecutionExceptionHandler((e, command, parsed) -> failed(e));
        if (args.length == 0) {
            commands.usage(commands.getErr());
            return Exit.USAGE;
        }
        return commands.execute(args);
    }

    private int failed(Exception error) {
        return switch (error) {
            case Failure e -> {
                say(e);
                yield e.exit();
            }
            case DefinitionException e -> {
                say(e);
                yield Exit.INVALID;
            }
            case LakeException e -> {
                say(e);
                yield Exit.FAILED;
            }
            case UncheckedIOException e -> {
                say(LakeException.storage(e));
                yield Exit.FAILED;
            }
            case LakeClient.Refused e -> {
                say(e);
                yield Exit.FAILED;
            }
            case ConnectException e -> {
                say(new Failure(Exit.NOT_RUNNING, "no lake answers there"));
                yield Exit.NOT_RUNNING;
            }
            case IOException e -> {
                say(new Failure(Exit.FAILED, "what was sent or received broke off: " + e));
                yield Exit.FAILED;
            }
            default -> {
                terminal.err()
                        .println(
                                "tonle: unexpected " + error + "; this is a bug, please report it");
                error.printStackTrace(terminal.err());
                yield Exit.FAILED;
            }
        };
    }

    private void say(Exception e) {
        terminal.err().println("tonle: " + e.getMessage());
    }

    /** Tonle's version, as the build wrote it into the jar. */
    static String version() {
        Properties properties = new Properties();
        try (InputStream in = Main.class.getResourceAsStream("version.properties")) {
            if (in != null) {
                properties.load(in);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return properties.getProperty("version", "unknown");
    }

    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {
                "tonle " + version(), "Java " + System.getProperty("java.runtime.version")
            };
        }
    }
}
