package org.tonle.cli;

import java.nio.file.Path;
import java.util.List;
import org.tonle.definition.DefinitionException;
import org.tonle.definition.LakeDefinition;
import org.tonle.definition.Problem;
import org.tonle.definition.SourceDefinition;
import org.tonle.definition.SqlText;
import org.tonle.sql.Pipelines;

/** A lake folder without a problem, in its files or in its SQL. */
final class CheckedLake {
    private CheckedLake() {}

    /** Throws {@link DefinitionException} with every problem otherwise. */
    static LakeDefinition load(Path folder) {
        return LakeDefinition.load(folder, System.getenv(), CheckedLake::problems);
    }

    private static List<Problem> problems(
            List<SourceDefinition> sources, List<SqlText> statements) {
        try {
            Pipelines.of(sources, statements);
            return List.of();
        } catch (DefinitionException e) {
            return e.problems();
        }
    }
}
