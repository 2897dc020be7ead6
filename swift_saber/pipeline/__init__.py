"""The data pipeline: from source datasets to checked SABER records. The only rooms that import datatrove."""
