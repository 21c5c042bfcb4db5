//! Reading a file of customers and mapping its columns, without I/O.
