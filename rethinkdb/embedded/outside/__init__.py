"""What queries use outside the server: JavaScript, HTTP requests, optional libraries."""
