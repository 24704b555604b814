//! Door 1c: parties, agreements, arrangements and services, imported and edited.
