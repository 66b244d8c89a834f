"""What a query reaches outside the server: JavaScript, the web, optional libraries."""
