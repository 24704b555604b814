-- What a one-use form said when it was used, as a keyed digest: the same form with other words is refused, not taken for sent.
ALTER TABLE forms ADD COLUMN said_mac BLOB;
