package org.tonle.sql;

/**
 * What an expression takes to plan and to compute.
 *
 * @param nodes as an engine reads them
 * @param copies those of them that are there once more
 * @param inlined nodes when a subquery's columns are replaced by what they are
 * @param paths the sum of the nodes of all its parts
 * @param bytes of its value, roughly
 * @param literal those of it that the statement itself holds
 */
record PlanCost(
        double nodes, double copies, double inlined, double paths, double bytes, double literal) {
    static final PlanCost NOTHING = new PlanCost(0, 0, 0, 0, 0, 0);

    static PlanCost leaf(double bytes) {
        return new PlanCost(1, 0, 1, 1, bytes, 0);
    }

    static PlanCost literal(double bytes) {
        return new PlanCost(1, 0, 1, 1, bytes, bytes);
    }

    PlanCost and(PlanCost other, double times) {
        return new PlanCost(
                nodes + times * other.nodes,
                copies + times * other.copies + (times - 1) * other.nodes,
                inlined + times * other.inlined,
                paths + times * other.paths,
                bytes,
                literal);
    }

    PlanCost worse(PlanCost other) {
        return new PlanCost(
                Math.max(nodes, other.nodes),
                Math.max(copies, other.copies),
                Math.max(inlined, other.inlined),
                Math.max(paths, other.paths),
                Math.max(bytes, other.bytes),
                Math.max(literal, other.literal));
    }

    /** The same where it has a name. */
    PlanCost named() {
        return new PlanCost(1, 0, inlined, 1, bytes, literal);
    }
}
