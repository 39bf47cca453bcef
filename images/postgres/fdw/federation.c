/*
 * Who asks the federation, and what may be sent there.
 *
 * A role is itself at the SQL gateway: its password there is HMAC-SHA256 of its name with a secret that only this server's pods and the
 * gateway have (bdc.sql.pgwire.login.token). So there is one user mapping, for PUBLIC, without options, and a new role needs none. There is
 * one server, so a session's connections are kept by the role.
 *
 * What may be sent: built-in functions, operators and types that the SQL gateway translates with the same meaning for all
 * their arguments (bdc/sql/pgwire/dialect). postgres_fdw sends whatever is built in, since its other side is a PostgreSQL; here the rest is
 * computed in the master, over the rows that the federation gives.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/value.h"
#include "optimizer/optimizer.h"
#include "storage/fd.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "postgres_fdw.h"

static const Oid functions[] = {
#include "functions.h"
};

static const Oid types[] = {
	BOOLOID, INT2OID, INT4OID, INT8OID, FLOAT4OID, FLOAT8OID, NUMERICOID, TEXTOID, VARCHAROID, BPCHAROID, DATEOID, TIMESTAMPOID,
	TIMESTAMPTZOID, UUIDOID, BYTEAOID, UNKNOWNOID
};

/* Of dates and timestamps both. */
static const char *const fields[] = {"year", "month", "day", "quarter", "doy", "dow", "isodow", "week", "isoyear", NULL};
static const char *const units[] = {"second", "minute", "hour", "day", "week", "month", "quarter", "year", NULL};

#define FIRST_DAY ((int64) date2j(1, 1, 1) - POSTGRES_EPOCH_JDATE)
#define LAST_DAY ((int64) date2j(10000, 1, 1) - POSTGRES_EPOCH_JDATE)

static bool
listed(const Oid *list, size_t count, Oid id)
{
	for (size_t at = 0; at < count; at++)
		if (list[at] == id)
			return true;
	return false;
}

bool
federation_ships(Oid id, Oid class)
{
	switch (class)
	{
		case OperatorRelationId:
			return listed(functions, lengthof(functions), get_opcode(id));
		case ProcedureRelationId:
			return listed(functions, lengthof(functions), id);
		case TypeRelationId:
			return listed(types, lengthof(types), OidIsValid(get_element_type(id)) ? get_element_type(id) : id);
		default:
			return true;
	}
}

/* Whether the federation has this value: its numerics have 38 digits, its times neither infinities nor years before the first. */
static bool
has_value(Oid type, Datum value)
{
	switch (type)
	{
		case NUMERICOID:
			{
				size_t		digits = 0;

				if (numeric_is_nan(DatumGetNumeric(value)) || numeric_is_inf(DatumGetNumeric(value)))
					return false;
				for (char *text = DatumGetCString(DirectFunctionCall1(numeric_out, value)); *text; text++)
					digits += isdigit((unsigned char) *text) != 0;
				return digits <= 38;
			}
		case DATEOID:
			return DatumGetDateADT(value) >= FIRST_DAY && DatumGetDateADT(value) < LAST_DAY;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return DatumGetTimestamp(value) >= FIRST_DAY * USECS_PER_DAY && DatumGetTimestamp(value) < LAST_DAY * USECS_PER_DAY;
		default:
			return true;
	}
}

static bool
has_constant(Const *constant)
{
	Oid			of = get_element_type(constant->consttype);
	Datum	   *values;
	bool	   *nulls;
	int			count;
	int16		length;
	bool		by_value;
	char		align;

	if (constant->constisnull)
		return true;
	if (!OidIsValid(of))
		return has_value(constant->consttype, constant->constvalue);
	get_typlenbyvalalign(of, &length, &by_value, &align);
	deconstruct_array(DatumGetArrayTypeP(constant->constvalue), of, length, by_value, align, &values, &nulls, &count);
	for (int at = 0; at < count; at++)
		if (!nulls[at] && !has_value(of, values[at]))
			return false;
	return true;
}

/* Whether the gateway knows the part of a time that a call asks for, which must be a constant. */
static bool
has_part(FuncExpr *call)
{
	Node	   *part = linitial(call->args);
	const char *const *known = call->funcid == F_DATE_TRUNC_TEXT_TIMESTAMP ? units : fields;
	char	   *word;

	if (!IsA(part, Const) || ((Const *) part)->constisnull)
		return false;
	word = TextDatumGetCString(((Const *) part)->constvalue);
	for (; *known; known++)
		if (strcmp(word, *known) == 0)
			return true;
	return false;
}

/* extract and date_part, date_trunc: their first argument is a word, which no collation matters for. */
bool
federation_part_of_time(Oid function)
{
	return function == F_EXTRACT_TEXT_DATE || function == F_EXTRACT_TEXT_TIMESTAMP || function == F_DATE_PART_TEXT_TIMESTAMP ||
		function == F_DATE_TRUNC_TEXT_TIMESTAMP;
}

/* A row as a value, or a system column. */
static bool
whole(Node *node)
{
	return IsA(node, Var) && ((Var *) node)->varattno <= 0;
}

/* Whether a join may be sent: the federation has no rows as values, which a lock would need as well. */
bool
federation_joins(RelOptInfo *rel)
{
	ListCell   *cell;

	foreach(cell, rel->reltarget->exprs)
		if (whole(lfirst(cell)))
			return false;
	return true;
}

bool
federation_sends(Node *node)
{
	if (whole(node))
		return false;
	if (IsA(node, Const))
		return has_constant((Const *) node);
	if (IsA(node, FuncExpr) && federation_part_of_time(((FuncExpr *) node)->funcid))
		return has_part((FuncExpr *) node);
	return true;
}

/* What the federation computes costs this part of what it would cost here: it does it with all its workers. */
#define WORK 0.01

static bool
joins_sides(RelOptInfo *rel)
{
	PgFdwRelationInfo *info = rel->fdw_private;
	ListCell   *cell;

	foreach(cell, info->joinclauses)
	{
		Relids		named = lfirst_node(RestrictInfo, cell)->clause_relids;

		if (bms_overlap(named, info->outerrel->relids) && bms_overlap(named, info->innerrel->relids))
			return true;
	}
	return false;
}

/*
 * The cost of rows from the federation: of a query, of what is done there, of each row that comes. The first batch comes whole, so who wants
 * few rows says so there. Joins by a condition are never dearer than both their sides: how many rows they have nobody knows without ANALYZE,
 * and the estimate for such tables grows with the square of their rows. And grouping, sorting and LIMIT are done there wherever they can be:
 * they never give more rows than they take, however wrong an estimate is, so each makes the query cheaper. `last`: with the query's last
 * sort or LIMIT.
 */
void
federation_cost(RelOptInfo *rel, bool last, bool limited, double rows, Cost *startup, Cost *total)
{
	PgFdwRelationInfo *info = rel->fdw_private;
	Cost		query = info->fdw_startup_cost * (1.0 - 0.1 * (IS_UPPER_REL(rel) + last + limited));
	Cost		row = info->fdw_tuple_cost + cpu_tuple_cost;

	if (IS_JOIN_REL(rel) && joins_sides(rel))
		rows = Min(rows, info->outerrel->rows + info->innerrel->rows);
	*startup = query + WORK * *startup + row * Min(rows, info->fetch_size);
	*total = query + WORK * *total + row * rows;
}

#define SECRET_FILE "/etc/bdc/gateway/password"

static char *
secret(void)
{
	char		line[256] = "";
	FILE	   *file = AllocateFile(SECRET_FILE, "r");

	if (file == NULL || fgets(line, sizeof(line), file) == NULL || line[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_FDW_UNABLE_TO_ESTABLISH_CONNECTION),
				 errmsg("the SQL gateway's secret can't be read"),
				 errhint("bdc up puts it there.")));
	FreeFile(file);
	return pstrdup(line);
}

static char *
token(const char *role)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	char	   *hex = palloc0(2 * sizeof(digest) + 1);
	char	   *key = secret();
	char	   *text = psprintf("role:%s", role);
	pg_hmac_ctx *hmac = pg_hmac_create(PG_SHA256);

	if (hmac == NULL ||
		pg_hmac_init(hmac, (uint8 *) key, strlen(key)) < 0 ||
		pg_hmac_update(hmac, (uint8 *) text, strlen(text)) < 0 ||
		pg_hmac_final(hmac, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not compute a token");
	pg_hmac_free(hmac);
	hex_encode((char *) digest, sizeof(digest), hex);
	return hex;
}

UserMapping *
federation_identity(UserMapping *user)
{
	UserMapping *as = palloc(sizeof(UserMapping));
	char	   *role = GetUserNameFromId(user->userid, false);

	*as = *user;
	as->options = list_make2(makeDefElem("user", (Node *) makeString(role), -1),
							 makeDefElem("password", (Node *) makeString(token(role)), -1));
	return as;
}
