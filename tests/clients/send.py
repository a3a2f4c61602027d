"""Posts the payload on standard input with simple-salesforce, as a script written for an org does; prints what came back."""
import json
import os
import sys

from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceError

url = os.environ["SYNC_MONITOR_URL"]
sf = Salesforce(instance_url=url, session_id=os.environ["SYNC_MONITOR_TOKEN"])
# The library makes https of every instance URL; the listener on this machine speaks http.
sf.apex_url = f"{url}/services/apexrest/"
try:
    print(json.dumps({"answer": sf.apexecute("dlhub/delivery/sync", method="POST", data=json.load(sys.stdin))}))
except SalesforceError as error:
    print(json.dumps({"error": {"status": error.status, "content": error.content}}))
