"""What gateway and compliance agree on: the edition of 《两定接口规范》 and how a record travels. Imports nothing of ours."""
