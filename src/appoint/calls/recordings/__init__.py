"""Recordings of video visits, which need three keys: the clinic's policy, the patient's consent and the doctor."""
