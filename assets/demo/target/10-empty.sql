-- A role of the source's that the target has as well.
CREATE ROLE reporting NOLOGIN;
