-- A time column whose base type is eight bytes as a bigint's, with operators of its own.
CREATE TYPE stamp

CREATE FUNCTION stamp_in(cstring) RETURNS stamp LANGUAGE internal IMMUTABLE STRICT AS 'int8in'

CREATE FUNCTION stamp_out(stamp) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int8out'

CREATE TYPE stamp (INPUT = stamp_in, OUTPUT = stamp_out, LIKE = bigint)

CREATE CAST (stamp AS bigint) WITHOUT FUNCTION

CREATE CAST (bigint AS stamp) WITHOUT FUNCTION

CREATE FUNCTION stamp_lt(stamp, stamp) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'int8lt'

CREATE FUNCTION stamp_ge(stamp, stamp) RETURNS bool LANGUAGE internal IMMUTABLE STRICT AS 'int8ge'

CREATE FUNCTION stamp_cmp(stamp, stamp) RETURNS int LANGUAGE internal IMMUTABLE
  STRICT AS 'btint8cmp'

CREATE OPERATOR < (LEFTARG = stamp, RIGHTARG = stamp, FUNCTION = stamp_lt)

CREATE OPERATOR >= (LEFTARG = stamp, RIGHTARG = stamp, FUNCTION = stamp_ge)

CREATE OPERATOR CLASS stamp_ops DEFAULT FOR TYPE stamp USING btree AS
  OPERATOR 1 <, OPERATOR 4 >=, FUNCTION 1 stamp_cmp(stamp, stamp)

CREATE TABLE by_stamp (at stamp NOT NULL, v int)

SELECT create_hypertable('by_stamp', 'at', chunk_time_interval => 1000::bigint, create_default_indexes => false)
