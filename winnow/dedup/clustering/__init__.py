"""Band keys → clusters: buckets, edges and connected components, in bounded memory."""
