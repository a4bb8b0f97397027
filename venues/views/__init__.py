"""Pages: for everybody (public), for who books (bookings), for who lets in (gate)."""
