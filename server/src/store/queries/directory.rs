//! What pages and the API show of parties, services, agreements and arrangements.
