-- What only MySQL needs. The text of an address is compared byte by byte (a character column would take "a" and "a " for
-- the same), and the tables that grow with the mail are partitioned by month.
--
-- The partitions go by id, whose first bytes are the time: extend_partitions() adds months, up to now + 3, in front of the
-- last partition, which takes what comes when nobody has: nothing is ever refused for want of one. `strongroom init`,
-- `strongroom migrate` and strongroom-workerd call it. It runs with the rights of its owner, so that no program needs the
-- right to ALTER. A month can be dropped as a whole when its retention is over, and rows of one month lie together.
--
-- Not partitioned: capture_key, whose unique key is random and would have to hold the partition's column (then the same
-- key could be taken once a month); ledger_batch, which has no id and a row a group; outbox and capture_attempt, which
-- stay short.

/*! ALTER TABLE message MODIFY queue_id TEXT NOT NULL */;
/*! ALTER TABLE mailbox_message MODIFY mailbox VARBINARY(512) NOT NULL */;

/*! ALTER TABLE message PARTITION BY RANGE COLUMNS (id) (PARTITION p_rest VALUES LESS THAN (MAXVALUE)) */;
/*! ALTER TABLE participant PARTITION BY RANGE COLUMNS (message_id) (PARTITION p_rest VALUES LESS THAN (MAXVALUE)) */;
/*! ALTER TABLE mailbox_message PARTITION BY RANGE COLUMNS (message_id) (PARTITION p_rest VALUES LESS THAN (MAXVALUE)) */;
/*! ALTER TABLE attachment PARTITION BY RANGE COLUMNS (message_id) (PARTITION p_rest VALUES LESS THAN (MAXVALUE)) */;
/*! ALTER TABLE relocation PARTITION BY RANGE COLUMNS (message_id) (PARTITION p_rest VALUES LESS THAN (MAXVALUE)) */;
/*! ALTER TABLE ledger_record PARTITION BY RANGE COLUMNS (message_id) (PARTITION p_rest VALUES LESS THAN (MAXVALUE)) */;

-- Partition pYYYYMM holds the ids of up to the end of that month.
/*! CREATE PROCEDURE extend_table(IN which VARCHAR(64), IN month DATE, IN until DATE) SQL SECURITY DEFINER
BEGIN
	DECLARE newest VARCHAR(64);
	SELECT max(partition_name) INTO newest FROM information_schema.partitions
		WHERE table_schema = DATABASE() AND table_name = which AND partition_name LIKE 'p2%';
	WHILE month <= until DO
		IF newest IS NULL OR CONCAT('p', DATE_FORMAT(month, '%Y%m')) > newest THEN
			SET @strongroom_ddl = CONCAT('ALTER TABLE `', which, '` REORGANIZE PARTITION p_rest INTO (PARTITION p',
				DATE_FORMAT(month, '%Y%m'), ' VALUES LESS THAN (0x',
				LPAD(HEX(1000 * TIMESTAMPDIFF(SECOND, '1970-01-01', month + INTERVAL 1 MONTH)), 12, '0'),
				REPEAT('0', 20), '), PARTITION p_rest VALUES LESS THAN (MAXVALUE))');
			PREPARE strongroom_ddl FROM @strongroom_ddl;
			EXECUTE strongroom_ddl;
			DEALLOCATE PREPARE strongroom_ddl;
		END IF;
		SET month = month + INTERVAL 1 MONTH;
	END WHILE;
END */;
/*! CREATE PROCEDURE extend_partitions() SQL SECURITY DEFINER
BEGIN
	DECLARE month DATE DEFAULT DATE_FORMAT(UTC_DATE(), '%Y-%m-01');
	DECLARE until DATE DEFAULT DATE_FORMAT(UTC_DATE() + INTERVAL 3 MONTH, '%Y-%m-01');
	CALL extend_table('message', month, until);
	CALL extend_table('participant', month, until);
	CALL extend_table('mailbox_message', month, until);
	CALL extend_table('attachment', month, until);
	CALL extend_table('relocation', month, until);
	CALL extend_table('ledger_record', month, until);
END */;
