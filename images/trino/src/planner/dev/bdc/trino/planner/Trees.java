package dev.bdc.trino.planner;

import io.trino.sql.tree.AnchorPattern;
import io.trino.sql.tree.FunctionCall;
import io.trino.sql.tree.Join;
import io.trino.sql.tree.Node;
import io.trino.sql.tree.OrderBy;
import io.trino.sql.tree.QuerySpecification;
import io.trino.sql.tree.RangeQuantifier;
import io.trino.sql.tree.WindowSpecification;
import io.trino.sql.tree.With;
import java.util.List;
import java.util.function.BiFunction;

/**
 * When two expressions of a statement are the same, so that one is computed for both.
 *
 * <p>Trino 476 compares them child by child (io.trino.sql.util.AstUtils.treeEqual), but the list of a node's children doesn't say what each
 * is: {@code count(b)} and {@code count(*) FILTER (WHERE b)} both have the one child b, and were one. Here it also asks what each child is
 * for, of all nodes for which the list leaves it open, and for what neither the list nor shallowEquals has. Found by reading the nodes of
 * trino-parser 476 one by one; what a list says without doubt isn't here.
 */
public final class Trees {
    private Trees() {}

    /** Whether two trees are the same; `comparator` says it of two nodes, or null where their children are to be asked. */
    public static boolean equal(Node left, Node right, BiFunction<Node, Node, Boolean> comparator) {
        Boolean known = comparator.apply(left, right);
        if (known != null) {
            return known;
        }
        List<? extends Node> first = left.getChildren();
        List<? extends Node> second = right.getChildren();
        if (first.size() != second.size() || !alike(left, right)) {
            return false;
        }
        for (int at = 0; at < first.size(); at++) {
            if (!equal(first.get(at), second.get(at), comparator)) {
                return false;
            }
        }
        return true;
    }

    private static boolean alike(Node left, Node right) {
        if (left.getClass() != right.getClass()) {
            return true; // the comparator's to say
        }
        return switch (left) {
            case FunctionCall call -> parts(call).equals(parts((FunctionCall) right));
            case QuerySpecification query -> parts(query).equals(parts((QuerySpecification) right));
            // USING and NATURAL give no children at all. ON gives its condition, which a column of USING could be taken for.
            case Join join -> join.getCriteria().map(Object::getClass).equals(((Join) right).getCriteria().map(Object::getClass))
                && (!join.getCriteria().map(criteria -> criteria.getNodes().isEmpty()).orElse(false)
                    || join.getCriteria().equals(((Join) right).getCriteria()));
            case WindowSpecification window ->
                window.getExistingWindowName().isPresent() == ((WindowSpecification) right).getExistingWindowName().isPresent();
            case RangeQuantifier range -> range.getAtLeast().isPresent() == ((RangeQuantifier) right).getAtLeast().isPresent();
            case AnchorPattern anchor -> anchor.getType() == ((AnchorPattern) right).getType();
            case With with -> with.isRecursive() == ((With) right).isRecursive();
            default -> true;
        };
    }

    private static List<Object> parts(FunctionCall call) {
        return List.of(call.getWindow().isPresent(), call.getFilter().isPresent(), call.getOrderBy().map(OrderBy::getSortItems).map(List::size),
            call.getArguments().size());
    }

    private static List<Object> parts(QuerySpecification query) {
        return List.of(query.getWhere().isPresent(), query.getHaving().isPresent(), query.getWindows().size());
    }
}
