package org.tonle.lake;

import java.util.List;
import java.util.Optional;
import org.tonle.definition.PolicyDefinition;
import org.tonle.spi.LakeException;
import org.tonle.spi.Principal;
import org.tonle.sql.Policies;

/**
 * What somebody would see of a statement, and why.
 *
 * @param tables each that the statement names, whether it is shown or not
 * @param rows the first rows of the answer, as a JSON array of objects
 * @param refusal what would be answered instead
 */
public record PolicyReport(
        Principal principal,
        List<Table> tables,
        Optional<String> rows,
        Optional<LakeException> refusal) {
    public PolicyReport {
        tables = List.copyOf(tables);
    }

    /**
     * One table.
     *
     * @param columns those that are shown, in order; none if the table isn't
     * @param grants why it is shown; none if it isn't
     */
    public record Table(
            String name,
            List<String> columns,
            List<Policies.Granted> grants,
            List<PolicyDefinition.RowFilter> filters,
            List<PolicyDefinition.ColumnMask> masks) {
        public Table {
            columns = List.copyOf(columns);
            grants = List.copyOf(grants);
            filters = List.copyOf(filters);
            masks = List.copyOf(masks);
        }
    }
}
