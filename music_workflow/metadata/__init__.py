"""What a track is made of: measured (analysis), written (tags), looked up (enrichment)."""
