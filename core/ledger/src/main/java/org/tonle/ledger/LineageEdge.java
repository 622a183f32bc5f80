package org.tonle.ledger;

import java.util.Optional;

/**
 * That a dataset depends on a column of one of its inputs.
 *
 * @param column of the dataset, made of the input's; empty: the input's column decides which rows
 *     the dataset has, or how they are grouped and ordered
 * @param inputTable {@code namespace.name}
 */
public record LineageEdge(Optional<String> column, String inputTable, String inputColumn) {}
