"""Several installations, the cells, that together serve one platform. Each is home to some of the clinics."""
