-- What belongs to a case is found by it: searches, holds and exports name the case that they are for. See 0001_capture.sql for
-- the dialect.

CREATE INDEX saved_search_case ON saved_search (case_id, id);
CREATE INDEX legal_hold_case ON legal_hold (case_id, id);
CREATE INDEX export_request_matter ON export_request (matter, id);
