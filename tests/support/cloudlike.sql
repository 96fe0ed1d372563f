GRANT SET ON PARAMETER timescaledb.restoring TO {role};
GRANT SET ON PARAMETER session_replication_role TO {role};
GRANT USAGE, CREATE ON SCHEMA _timescaledb_internal, _timescaledb_catalog, _timescaledb_config, _timescaledb_cache TO {role};
GRANT ALL ON ALL TABLES IN SCHEMA _timescaledb_internal, _timescaledb_catalog, _timescaledb_config, _timescaledb_cache TO {role};
GRANT ALL ON ALL SEQUENCES IN SCHEMA _timescaledb_internal, _timescaledb_catalog, _timescaledb_config, _timescaledb_cache TO {role};
ALTER FUNCTION public.timescaledb_pre_restore() SECURITY DEFINER;
ALTER FUNCTION public.timescaledb_post_restore() SECURITY DEFINER
