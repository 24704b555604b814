//! Moving what waits to another channel.
