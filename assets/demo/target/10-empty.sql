-- The extension and the role that a new cloud database would have.
CREATE EXTENSION timescaledb;

CREATE ROLE reporting NOLOGIN;
