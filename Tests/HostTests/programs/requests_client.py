"""requests_client.py URL: a GET with the requests library, twice."""

import sys

import requests

for _ in range(2):
    print(requests.get(sys.argv[1]).status_code)
