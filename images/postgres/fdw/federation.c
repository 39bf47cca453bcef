/*
 * Who asks the federation, and what may be sent there.
 *
 * A role is itself at the SQL gateway: its password there is HMAC-SHA256 of its name with a secret that only this server's pods and the
 * gateway have (bdc.sql.gateway.login.token). So there is one user mapping, for PUBLIC, without options, and a new role needs none.
 *
 * What may be sent: built-in functions, operators and types that the SQL gateway translates with the same meaning for all
 * their arguments (bdc/sql/gateway/dialect). postgres_fdw sends whatever is built in, since its other side is a PostgreSQL; here the rest is
 * computed in the master, over the rows that the federation gives.
 */
#include "postgres.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "postgres_fdw.h"

static const Oid functions[] = {
#include "functions.h"
};

static const Oid types[] = {
	BOOLOID, INT2OID, INT4OID, INT8OID, FLOAT4OID, FLOAT8OID, NUMERICOID, TEXTOID, VARCHAROID, BPCHAROID, DATEOID, TIMESTAMPOID,
	TIMESTAMPTZOID, UUIDOID, BYTEAOID, UNKNOWNOID
};

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
