-- What keeps mail longer, a hold or a policy or who is in a department, stands in the other database, and a message is disposed of
-- in this one. So that neither overtakes the other, each such change moves this number on before it is answered, and whoever
-- disposes of a message locks it, in the same transaction: had it moved, what was judged would have to be judged anew. See
-- 0001_capture.sql for the dialect.

CREATE TABLE keep_gate (
	id INTEGER NOT NULL PRIMARY KEY, -- 1: there is one row
	generation BIGINT NOT NULL
) /*! ENGINE=InnoDB */;
INSERT INTO keep_gate (id, generation) VALUES (1, 0);
