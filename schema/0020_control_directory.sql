-- Which departments come from the directory (`strongroom directory sync`): it has the say in who is in these.

ALTER TABLE department ADD COLUMN directory INTEGER NOT NULL DEFAULT 0;
